"""The registry as static pages: from values to HTML. Nothing here reads Git, and nothing writes."""
