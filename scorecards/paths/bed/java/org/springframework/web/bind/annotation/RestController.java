/* Stands in for a library, so that `make test-paths` can compile the services of the golden path without a registry of
 packages: as much of its interface as they use, and nothing behind it. */
package org.springframework.web.bind.annotation;

public @interface RestController {}
