/* Stands in for a library, so that `make test-paths` can compile the services of the golden path without a registry of
 packages: as much of its interface as they use, and nothing behind it. */
package org.springframework.jdbc.core.simple;

public interface JdbcClient {
    StatementSpec sql(String sql);

    interface StatementSpec {
        StatementSpec param(Object value);

        <T> MappedQuerySpec<T> query(Class<T> mapped);
    }

    interface MappedQuerySpec<T> {
        T single();
    }
}
