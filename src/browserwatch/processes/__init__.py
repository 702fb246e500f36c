"""Programs that browserwatch starts: finding them, having them end with their parent, measuring what they use."""
