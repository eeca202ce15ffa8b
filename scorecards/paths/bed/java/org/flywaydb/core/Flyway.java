/* Stands in for a library, so that `make test-paths` can compile the services of the golden path without a registry of
 packages: as much of its interface as they use, and nothing behind it. */
package org.flywaydb.core;

public class Flyway {
    public static Configuration configure() {
        throw new UnsupportedOperationException();
    }

    public Object migrate() {
        throw new UnsupportedOperationException();
    }

    public interface Configuration {
        Configuration dataSource(String url, String user, String password);

        Configuration connectRetries(int retries);

        Configuration connectRetriesInterval(int seconds);

        Flyway load();
    }
}
