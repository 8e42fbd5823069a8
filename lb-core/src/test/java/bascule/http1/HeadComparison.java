package bascule.http1;

import bascule.http.Method;
import bascule.http.RequestHead;
import bascule.http.ResponseHead;

/// Parsers and heads to compare with the [Reference]; like those of a loop they are used again and again.
final class HeadComparison {
    private final RequestParser requestParser = new RequestParser();
    private final ResponseParser responseParser = new ResponseParser();
    private final RequestHead requestHead = new RequestHead(600, 12);
    private final ResponseHead responseHead = new ResponseHead(600, 12);

    /// Most inputs fit, some are too long in one way or another.
    HeadLimits limits(String wire) {
        return wire.length() % 8 == 0 ? new HeadLimits(160, 5, 48) : new HeadLimits(600, 12, 200);
    }

    String request(String wire, HeadLimits limits) {
        return Described.request(
                requestParser.parse(Wire.buffer(wire), limits, requestHead), requestHead);
    }

    String response(String wire, HeadLimits limits, boolean toHead) {
        Method method = toHead ? Method.HEAD : Method.GET;
        return Described.response(
                responseParser.parse(Wire.buffer(wire), limits, method, responseHead),
                responseHead);
    }
}
