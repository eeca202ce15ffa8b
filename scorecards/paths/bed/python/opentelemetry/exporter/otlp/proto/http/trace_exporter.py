class OTLPSpanExporter:
    pass
