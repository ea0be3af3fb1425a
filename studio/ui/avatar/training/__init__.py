"""Training an avatar model on your own pictures: form, check of the pictures, words."""
