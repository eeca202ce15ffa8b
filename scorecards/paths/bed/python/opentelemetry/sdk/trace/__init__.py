class TracerProvider:
    def __init__(self, resource=None):
        pass

    def add_span_processor(self, processor):
        pass

    def shutdown(self):
        pass
