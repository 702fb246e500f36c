"""Page loads and crashes, as the DevTools protocol tells them; knows nothing of browser-use."""
