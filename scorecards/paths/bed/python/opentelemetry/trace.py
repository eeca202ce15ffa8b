import contextlib
import enum


class SpanKind(enum.Enum):
    SERVER = 1
    CLIENT = 2


class _Context:
    is_valid = False
    trace_id = 0
    span_id = 0


class _Span:
    def get_span_context(self):
        return _Context()

    def update_name(self, name):
        assert isinstance(name, str)

    def set_attribute(self, key, value):
        assert isinstance(key, str) and isinstance(value, (str, int))


class _Tracer:
    @contextlib.contextmanager
    def start_as_current_span(self, name, context=None, kind=None):
        assert isinstance(name, str) and isinstance(kind, SpanKind)
        yield _Span()


def get_current_span():
    return _Span()


def get_tracer(name):
    return _Tracer()


def set_tracer_provider(provider):
    pass
