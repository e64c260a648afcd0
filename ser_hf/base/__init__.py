"""What has nothing to do with speech: errors, atomic files, registries, strict YAML, provenance."""
