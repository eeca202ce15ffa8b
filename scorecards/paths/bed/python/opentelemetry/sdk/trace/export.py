class BatchSpanProcessor:
    def __init__(self, exporter):
        pass
