"""Payloads and their files: pictures, sounds, texts, clips, and the metadata in them."""
