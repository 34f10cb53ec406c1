"""The widget's public face: the loader, the public configuration, the page inside the iframe."""
