package bascule.observe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import bascule.config.AccessLogFormat;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// What does a loop pay for one line of the access log, from the request's head to the ring?
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
public class AccessLineBenchmark {
    private static final String ID = "0194c5f2a7b31e88";

    private final AccessLine.ListenerPart listener = AccessLine.listenerPart("https");
    private final byte[] client = "192.0.2.17:51234".getBytes(US_ASCII);
    private final byte[] tls = AccessLine.tlsPart(null);
    private final byte[] head =
            """
            GET /api/v1/items/4711?page=2 HTTP/1.1
            Host: www.example.org
            Referer: https://www.example.org/api
            User-Agent: curl/8.14.1

            """
                    .replace("\n", "\r\n")
                    .getBytes(US_ASCII);
    private final byte[] requestId = ID.getBytes(US_ASCII);
    private final int targetEnd = new String(head, US_ASCII).indexOf(" HTTP/1.1");
    private final int host = new String(head, US_ASCII).indexOf("www");
    private final int hostEnd = host + "www.example.org".length();
    private final int referer = new String(head, US_ASCII).indexOf("https");
    private final int refererEnd = new String(head, US_ASCII).indexOf("\r\nUser");
    private final int userAgent = new String(head, US_ASCII).indexOf("curl");
    private final int userAgentEnd = head.length - 4;
    private final LoopAccessLog log = new LoopAccessLog();
    private long wallMillis;

    @Param({"JSON", "COMBINED"})
    private AccessLogFormat format = AccessLogFormat.JSON;

    private @Nullable AccessLine last;

    @Setup
    public void setup() {
        log.prepare(Thread.currentThread());
        log.format(format);
        wallMillis = 1_795_162_669_123L;
    }

    @Benchmark
    public boolean line() {
        AccessLine line = Objects.requireNonNull(log.line(last));
        last = line;
        line.begin(listener, client, tls, wallMillis, head, 0, 3, 4, targetEnd, host, hostEnd, 11);
        if (line.wantsFields())
            line.fields(head, referer, refererEnd, userAgent, userAgentEnd, host, hostEnd);
        line.requestId(requestId, 0, requestId.length);
        line.end(
                log,
                200,
                "complete",
                "web",
                "10.0.1.11:80",
                412,
                5_311,
                311,
                -1,
                -1,
                812_345,
                1_034_567,
                0,
                false);
        wallMillis++; // Once in a thousand lines a new second.
        log.release(log.end()); // The reader keeps up.
        return log.dropped() == 0;
    }
}
