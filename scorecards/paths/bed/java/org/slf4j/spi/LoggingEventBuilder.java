/* Stands in for a library, so that `make test-paths` can compile the services of the golden path without a registry of
 packages: as much of its interface as they use, and nothing behind it. */
package org.slf4j.spi;

public interface LoggingEventBuilder {
    LoggingEventBuilder addKeyValue(String key, Object value);

    void log(String message);
}
