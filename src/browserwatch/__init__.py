"""See everything a browser-use agent does."""
