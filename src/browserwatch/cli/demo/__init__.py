"""`browserwatch demo`: real agents on a demo site with a scripted model, and what browserwatch shows of them."""
