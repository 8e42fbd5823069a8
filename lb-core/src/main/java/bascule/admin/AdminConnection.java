package bascule.admin;

import bascule.observe.LimitedEvent;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.concurrent.Future;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/// One client of the admin port. Belongs to the admin loop.
final class AdminConnection extends SimpleChannelInboundHandler<FullHttpRequest> {
    /// Below this a compressed answer saves no packet.
    private static final int GZIP_FROM_BYTES = 1400;

    private static final LimitedEvent FAILED = new LimitedEvent(Duration.ofMinutes(1));

    private final Pages pages;
    private final boolean allowed;
    private final Duration patience;
    private @Nullable Future<?> deadline;

    AdminConnection(Pages pages, boolean allowed, Duration patience) {
        this.pages = pages;
        this.allowed = allowed;
        this.patience = patience;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        expectWithinPatience(context);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (deadline != null) deadline.cancel(false);
    }

    /// Counts from here, not from the last byte: a client that sends or takes one byte now and then is not served for ever.
    private void expectWithinPatience(ChannelHandlerContext context) {
        if (deadline != null) deadline.cancel(false);
        deadline =
                context.executor()
                        .schedule(() -> context.close(), patience.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        // A client that asks on and on and takes no answer would fill the memory with answers.
        if (!context.channel().isWritable()) {
            context.close();
            return;
        }
        expectWithinPatience(context);
        FullHttpResponse response = answer(request);
        boolean keepAlive =
                allowed && request.decoderResult().isSuccess() && HttpUtil.isKeepAlive(request);
        HttpUtil.setKeepAlive(response.headers(), request.protocolVersion(), keepAlive);
        context.writeAndFlush(response)
                .addListener(
                        (ChannelFutureListener)
                                sent -> {
                                    if (!sent.isSuccess() || !keepAlive) context.close();
                                    else expectWithinPatience(context);
                                });
    }

    private FullHttpResponse answer(FullHttpRequest request) {
        if (request.decoderResult().isFailure()) return refuse(request.decoderResult());
        if (!allowed) return response(Pages.text(403, "not allowed"), request);
        String path = request.uri();
        int query = path.indexOf('?');
        if (query >= 0) path = path.substring(0, query);
        boolean get = request.method().equals(HttpMethod.GET);
        if (!get && !request.method().equals(HttpMethod.HEAD)) {
            FullHttpResponse response = response(Pages.text(405, "GET and HEAD only"), request);
            response.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
            return response;
        }
        try {
            Pages.Page page = pages.page(path, request.headers().get(HttpHeaderNames.ACCEPT));
            return response(page == null ? Pages.text(404, "not found") : page, request);
        } catch (RuntimeException e) {
            FAILED.bug("admin-page-failed", e, "path", path);
            return response(Pages.text(500, "failed: see the log"), request);
        }
    }

    private static FullHttpResponse refuse(DecoderResult result) {
        int code =
                switch (result.cause()) {
                    case TooLongHttpLineException _ -> 414;
                    case TooLongHttpHeaderException _ -> 431;
                    case null, default -> 400;
                };
        return response(Pages.text(code, "not understood"), null);
    }

    /// @param request null where none could be read
    private static FullHttpResponse response(Pages.Page page, @Nullable FullHttpRequest request) {
        byte[] body = page.body();
        boolean gzip = request != null && body.length >= GZIP_FROM_BYTES && acceptsGzip(request);
        if (gzip) body = gzip(body);
        boolean head = request != null && request.method().equals(HttpMethod.HEAD);
        var response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        HttpResponseStatus.valueOf(page.code()),
                        head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, page.contentType())
                .set(HttpHeaderNames.CONTENT_LENGTH, body.length)
                .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
                .set(HttpHeaderNames.VARY, "accept, accept-encoding")
                .set("x-content-type-options", "nosniff")
                .set("cross-origin-resource-policy", "same-origin");
        if (page.policy() != null) {
            response.headers()
                    .set(HttpHeaderNames.CONTENT_SECURITY_POLICY, page.policy())
                    .set(HttpHeaderNames.X_FRAME_OPTIONS, "DENY")
                    .set("referrer-policy", "no-referrer");
        }
        if (gzip) response.headers().set(HttpHeaderNames.CONTENT_ENCODING, "gzip");
        return response;
    }

    private static boolean acceptsGzip(FullHttpRequest request) {
        for (String field : request.headers().getAll(HttpHeaderNames.ACCEPT_ENCODING)) {
            for (String coding : field.toLowerCase(Locale.ROOT).split(",", -1)) {
                String[] part = coding.split(";", -1);
                if (!part[0].strip().equals("gzip")) continue;
                return part.length == 1 || !part[1].strip().matches("q=0(\\.0*)?");
            }
        }
        return false;
    }

    private static byte[] gzip(byte[] body) {
        var out = new ByteArrayOutputStream(body.length / 8);
        try (var gzip = new GZIPOutputStream(out)) {
            gzip.write(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // Memory does not fail this way.
        }
        return out.toByteArray();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        boolean peers = cause instanceof IOException || cause instanceof DecoderException;
        if (!peers) FAILED.bug("admin-connection-failed", cause);
        context.close();
    }
}
