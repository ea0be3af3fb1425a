"""The avatar page: what lies at the right of its stage, and the faces under a person's hand."""
