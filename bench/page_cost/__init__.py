"""What a voice widget costs a page before anybody clicks it, beside other vendors' widgets."""
