"""What a judge is made with; it never runs beside student code, and needs no PyTorch."""
