"""What is made, as bytes: payloads, files of pictures, sounds, texts and clips, and the metadata in them."""
