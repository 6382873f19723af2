"""Stores of objects: the cache, remotes, their packs and buckets."""
