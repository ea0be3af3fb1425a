"""Forms made from the fields of requests and settings, with undo."""
