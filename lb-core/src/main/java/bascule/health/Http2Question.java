package bascule.health;

import bascule.config.CheckConfig;
import bascule.net.CauseText;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.util.ReferenceCountUtil;

/// The one request of a probe over HTTP/2, and what comes of it: stands in the channel of its stream. How much may come, the probe
/// bounds.
abstract class Http2Question extends ChannelInboundHandlerAdapter {
    final Probe probe;

    private Http2Question(Probe probe) {
        this.probe = probe;
    }

    /// Puts HTTP/2 into the pipeline of a connection yet to be made.
    void addTo(ChannelPipeline pipeline) {
        pipeline.addLast(
                Http2FrameCodecBuilder.forClient().gracefulShutdownTimeoutMillis(0).build(),
                new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()), // No stream comes.
                new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelActive(ChannelHandlerContext context) {
                        probe.connected();
                        new Http2StreamChannelBootstrap(context.channel())
                                .handler(Http2Question.this)
                                .open();
                    }

                    @Override
                    public void channelRead(ChannelHandlerContext context, Object message) {
                        if (message instanceof Http2GoAwayFrame frame)
                            probe.failed("connection ended: " + name(frame.errorCode()));
                        ReferenceCountUtil.release(message);
                    }

                    @Override
                    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                        fail(cause);
                    }
                });
    }

    /// The head of the request.
    abstract Http2Headers head();

    /// Its body; empty = none.
    abstract ByteBuf body();

    /// The head of the final response, or its trailers.
    abstract void headers(Http2Headers headers, boolean last);

    abstract void data(ByteBuf in, boolean last);

    @Override
    public void channelActive(ChannelHandlerContext context) {
        ByteBuf body = body();
        boolean bare = !body.isReadable();
        context.write(new DefaultHttp2HeadersFrame(head(), bare));
        if (!bare) context.write(new DefaultHttp2DataFrame(body, true));
        context.flush();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            switch (message) {
                case Http2HeadersFrame frame -> {
                    CharSequence status = frame.headers().status();
                    boolean interim = status != null && status.charAt(0) == '1';
                    if (!interim) headers(frame.headers(), frame.isEndStream());
                }
                case Http2DataFrame frame -> data(frame.content(), frame.isEndStream());
                default -> {}
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof Http2ResetFrame frame)
            probe.failed("stream reset: " + name(frame.errorCode()));
    }

    private static String name(long code) {
        Http2Error error = Http2Error.valueOf(code);
        return error == null ? "code " + code : error.name();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        fail(cause);
    }

    private void fail(Throwable cause) {
        if (CauseText.root(cause) instanceof Http2Exception) probe.failed("answer is not HTTP/2");
        else probe.failed(cause);
    }

    final Http2Headers head(String method, String path, String host) {
        return new DefaultHttp2Headers()
                .method(method)
                .scheme(probe.secure() ? "https" : "http")
                .authority(host)
                .path(path)
                .set("user-agent", Probe.USER_AGENT);
    }

    /// `GET` of a path.
    static final class Get extends Http2Question {
        private final CheckConfig.Probe.Http http;
        private final String host;

        /// @param host the `:authority`
        Get(Probe probe, CheckConfig.Probe.Http http, String host) {
            super(probe);
            this.http = http;
            this.host = host;
        }

        @Override
        Http2Headers head() {
            return head("GET", http.path(), host).set("accept", "*/*");
        }

        @Override
        ByteBuf body() {
            return Unpooled.EMPTY_BUFFER;
        }

        @Override
        void headers(Http2Headers headers, boolean last) {
            CharSequence status = headers.status();
            if (status != null) {
                if (status.toString().matches("[2-5][0-9]{2}"))
                    probe.judge(Integer.parseInt(status.toString()), http.expect());
                else probe.failed("answer is not HTTP/2");
            }
            if (last) probe.close();
        }

        @Override
        void data(ByteBuf in, boolean last) {
            if (last) probe.close();
        }
    }

    /// The health check of gRPC.
    static final class Grpc extends Http2Question {
        private final CheckConfig.Probe.Grpc grpc;
        private final String host;
        private final ByteBuf message = Unpooled.buffer(); // As much as a probe reads, at most.

        /// @param host the `:authority`
        Grpc(Probe probe, CheckConfig.Probe.Grpc grpc, String host) {
            super(probe);
            this.grpc = grpc;
            this.host = host;
        }

        @Override
        Http2Headers head() {
            return head("POST", GrpcHealth.PATH, host)
                    .set("content-type", "application/grpc")
                    .set("te", "trailers");
        }

        @Override
        ByteBuf body() {
            return GrpcHealth.request(grpc.service());
        }

        @Override
        void headers(Http2Headers headers, boolean last) {
            CharSequence http = headers.status();
            if (http != null && !"200".contentEquals(http)) {
                probe.answer(new ProbeResult.Failed("HTTP " + http + " in " + probe.elapsed()));
                probe.close();
            } else if (last) {
                judge(headers);
                probe.close();
            }
        }

        @Override
        void data(ByteBuf in, boolean last) {
            message.writeBytes(in);
            if (last) probe.failed("answer is not gRPC");
        }

        private void judge(Http2Headers trailers) {
            CharSequence status = trailers.get("grpc-status");
            if (status == null) {
                probe.failed("answer is not gRPC");
            } else if (!"0".contentEquals(status)) {
                CharSequence why = trailers.get("grpc-message");
                String text = "gRPC status " + status + (why == null ? "" : ", " + why);
                probe.answer(new ProbeResult.Failed(text + " in " + probe.elapsed()));
            } else {
                int health = GrpcHealth.status(message);
                if (health == GrpcHealth.MALFORMED) probe.failed("answer is not gRPC");
                else if (health == GrpcHealth.SERVING) probe.passed(GrpcHealth.name(health));
                else
                    probe.answer(
                            new ProbeResult.Failed(
                                    GrpcHealth.name(health) + " in " + probe.elapsed()));
            }
        }
    }
}
