def extract(carrier):
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in carrier.items())
