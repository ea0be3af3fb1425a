"""The window: everything that is seen. It asks the studio and shows what it says; it never imports torch."""
