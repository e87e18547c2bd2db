"""Files into text. What is read comes from strangers, so it is read in a process of its own."""
