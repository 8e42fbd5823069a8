package bascule.admin;

import bascule.observe.LimitedEvent;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioChannelOption;
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
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import jdk.net.ExtendedSocketOptions;
import jdk.net.UnixDomainPrincipal;
import org.jspecify.annotations.Nullable;

/// One client of the admin port, or of the admin socket. Belongs to the admin loop.
final class AdminConnection extends SimpleChannelInboundHandler<FullHttpRequest> {
    /// Below this a compressed answer saves no packet.
    private static final int GZIP_FROM_BYTES = 1400;

    private static final LimitedEvent FAILED = new LimitedEvent(Duration.ofMinutes(1));

    /// Requests that may wait for the answer of a command before them.
    private static final int PIPELINED = 16;

    /// What the channel of a Unix socket tells of its peer (unix(7)).
    private static final ChannelOption<UnixDomainPrincipal> PEER =
            NioChannelOption.of(ExtendedSocketOptions.SO_PEERCRED);

    private final Pages pages;
    private final @Nullable CommandRequests commands;
    private final boolean allowed;
    private final Duration patience;
    private final Queue<FullHttpRequest> waiting = new ArrayDeque<>();
    private boolean commandRuns;
    private boolean last;
    private @Nullable Future<?> deadline;

    /// What is needed of a request once it is gone.
    ///
    /// @param methods that its path takes
    private record Asked(
            HttpVersion version, boolean keepAlive, boolean head, boolean gzip, String methods) {}

    /// @param commands null on the port: nothing can be changed there
    /// @param patience for a whole request to arrive, and for its answer to be taken
    AdminConnection(
            Pages pages, @Nullable CommandRequests commands, boolean allowed, Duration patience) {
        this.pages = pages;
        this.commands = commands;
        this.allowed = allowed;
        this.patience = patience;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        expectWithinPatience(context);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        last = true;
        expectNothing();
        waiting.forEach(FullHttpRequest::release);
        waiting.clear();
    }

    /// Counts from here, not from the last byte: a client that sends or takes one byte now and then is not served for ever.
    private void expectWithinPatience(ChannelHandlerContext context) {
        expectNothing();
        deadline =
                context.executor()
                        .schedule(() -> context.close(), patience.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void expectNothing() {
        if (deadline != null) deadline.cancel(false);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        if (last) return;
        // A client that asks on and on and takes no answer would fill the memory with answers.
        if (!context.channel().isWritable() || waiting.size() >= PIPELINED) context.close();
        else if (commandRuns) waiting.add(request.retain());
        else take(context, request);
    }

    private void take(ChannelHandlerContext context, FullHttpRequest request) {
        boolean understood = request.decoderResult().isSuccess();
        boolean keepAlive = allowed && understood && HttpUtil.isKeepAlive(request);
        var asked =
                new Asked(
                        request.protocolVersion(),
                        keepAlive,
                        request.method().equals(HttpMethod.HEAD),
                        understood && acceptsGzip(request),
                        commands != null && commands.changes(path(request)) ? "POST" : "GET, HEAD");
        last = !keepAlive;
        CompletableFuture<Pages.Page> command =
                understood && commands != null ? command(context, commands, request) : null;
        if (command == null) {
            send(context, asked, page(asked, request));
            return;
        }
        expectNothing(); // A command has its own time.
        commandRuns = true;
        command.thenAcceptAsync(page -> end(context, asked, page), context.executor());
    }

    private static @Nullable CompletableFuture<Pages.Page> command(
            ChannelHandlerContext context, CommandRequests commands, FullHttpRequest request) {
        boolean post = request.method().equals(HttpMethod.POST);
        if (!post && !isRead(request)) return null;
        return commands.answer(post, path(request), () -> user(context.channel()));
    }

    /// A name if the host knows one, else the number. May ask a directory service, and wait for it.
    private static String user(Channel channel) {
        UnixDomainPrincipal peer = channel.config().getOption(PEER);
        return peer == null ? "unknown" : peer.user().getName();
    }

    private void end(ChannelHandlerContext context, Asked asked, Pages.Page page) {
        commandRuns = false;
        if (!context.channel().isActive()) return;
        send(context, asked, page);
        while (!commandRuns && !waiting.isEmpty()) {
            FullHttpRequest next = waiting.remove();
            try {
                if (!last) take(context, next);
            } finally {
                next.release();
            }
        }
    }

    private void send(ChannelHandlerContext context, Asked asked, Pages.Page page) {
        expectWithinPatience(context);
        context.writeAndFlush(response(asked, page))
                .addListener(
                        (ChannelFutureListener)
                                sent -> {
                                    if (!sent.isSuccess() || !asked.keepAlive()) context.close();
                                    else if (!commandRuns) expectWithinPatience(context);
                                });
    }

    private Pages.Page page(Asked asked, FullHttpRequest request) {
        if (request.decoderResult().isFailure()) return refuse(request.decoderResult());
        if (!allowed) return error(403, "not allowed");
        if (asked.methods().equals("POST")) return error(405, "POST only");
        if (!isRead(request)) return error(405, "GET and HEAD only");
        String path = path(request);
        try {
            Pages.Page page = pages.page(path, request.headers().get(HttpHeaderNames.ACCEPT));
            return page == null ? error(404, "not found") : page;
        } catch (RuntimeException e) {
            FAILED.bug("admin-page-failed", e, "path", path);
            return error(500, "failed: see the log");
        }
    }

    private static boolean isRead(FullHttpRequest request) {
        return request.method().equals(HttpMethod.GET) || request.method().equals(HttpMethod.HEAD);
    }

    private static String path(FullHttpRequest request) {
        int query = request.uri().indexOf('?');
        return query < 0 ? request.uri() : request.uri().substring(0, query);
    }

    private Pages.Page refuse(DecoderResult result) {
        int code =
                switch (result.cause()) {
                    case TooLongHttpLineException _ -> 414;
                    case TooLongHttpHeaderException _ -> 431;
                    case null, default -> 400;
                };
        return error(code, "not understood");
    }

    /// For programs on the socket, for people on the port.
    private Pages.Page error(int code, String what) {
        return commands == null ? Pages.text(code, what) : CommandRequests.error(code, what);
    }

    private static FullHttpResponse response(Asked asked, Pages.Page page) {
        byte[] body = page.body();
        boolean gzip = asked.gzip() && body.length >= GZIP_FROM_BYTES;
        if (gzip) body = gzip(body);
        var response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1,
                        HttpResponseStatus.valueOf(page.code()),
                        asked.head() ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body));
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
        if (page.code() == HttpResponseStatus.METHOD_NOT_ALLOWED.code())
            response.headers().set(HttpHeaderNames.ALLOW, asked.methods());
        HttpUtil.setKeepAlive(response.headers(), asked.version(), asked.keepAlive());
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
