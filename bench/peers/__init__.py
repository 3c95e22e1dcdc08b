"""What the product is compared with, each as its own documentation starts it."""
