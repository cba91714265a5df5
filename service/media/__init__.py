"""Media files: where they are kept, what they hold, pictures made of them."""
