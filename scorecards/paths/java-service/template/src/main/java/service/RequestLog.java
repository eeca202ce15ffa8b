package service;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerMapping;

/** Writes a line for every request, except those of probes, because they are called all the time. */
@Component
class RequestLog extends OncePerRequestFilter {
    private static final Set<String> OPERATIONAL = Set.of("/livez", "/readyz", "/metrics");
    private static final Logger log = LoggerFactory.getLogger(RequestLog.class);

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return OPERATIONAL.contains(request.getRequestURI());
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        long start = System.nanoTime();
        int code = 500; // of an exception that nothing handles
        try {
            chain.doFilter(request, response);
            code = response.getStatus();
        } finally {
            Object route = request.getAttribute(HandlerMapping.BEST_MATCHING_PATTERN_ATTRIBUTE);
            log.atInfo()
                    .addKeyValue("method", request.getMethod())
                    .addKeyValue("route", route == null ? "unmatched" : route.toString())
                    .addKeyValue("code", code)
                    .addKeyValue("duration_ms", (System.nanoTime() - start) / 1_000_000)
                    .log("request");
        }
    }
}
