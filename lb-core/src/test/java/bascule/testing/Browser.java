package bascule.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import bascule.Json;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/// Debian's `chromium` without a window, and one page in it, driven by the DevTools protocol
/// (https://chromedevtools.github.io/devtools-protocol/) over its WebSocket. What the page's console complains of is kept.
public final class Browser implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;
    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<Json>> asked = new ConcurrentHashMap<>();
    private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
    private final String session;

    /// Skips the test where there is no chromium.
    ///
    /// @param options beside the usual ones
    public static Browser open(String... options) throws IOException {
        Peers.require("chromium");
        Path folder = Files.createTempDirectory("bascule-browser-");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "chromium",
                                "--headless=new",
                                "--no-sandbox", // Which root does not get.
                                "--disable-dev-shm-usage",
                                "--disable-gpu",
                                "--disable-background-networking",
                                "--disable-component-update",
                                "--disable-sync",
                                "--no-first-run",
                                "--hide-scrollbars",
                                "--remote-debugging-port=0",
                                "--user-data-dir=" + folder));
        command.addAll(List.of(options));
        command.add("about:blank");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("output").toFile())
                        .start();
        try {
            return new Browser(folder, process);
        } catch (RuntimeException | Error e) {
            end(process, folder);
            throw e;
        }
    }

    private Browser(Path folder, Process process) {
        this.folder = folder;
        this.process = process;
        Path port =
                folder.resolve(
                        "DevToolsActivePort"); // The port, and the path of the browser's socket.
        Awaitility.await("chromium")
                .atMost(PATIENCE)
                .until(() -> Files.exists(port) && Files.readString(port).lines().count() == 2);
        List<String> lines;
        try {
            lines = Files.readAllLines(port);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        socket =
                client.newWebSocketBuilder()
                        .buildAsync(
                                URI.create("ws://127.0.0.1:" + lines.get(0) + lines.get(1)),
                                new Listener())
                        .join();
        String target =
                send("", "Target.createTarget", "\"url\":\"about:blank\"").get("targetId").text();
        session =
                send("", "Target.attachToTarget", "\"flatten\":true,\"targetId\":" + quoted(target))
                        .get("sessionId")
                        .text();
        for (String domain : List.of("Page", "Runtime", "Log", "Network"))
            call(domain + ".enable", "");
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder message = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
            message.append(data);
            if (last) {
                heard(message.toString());
                message.setLength(0);
            }
            from.request(1);
            return null;
        }
    }

    private void heard(String message) {
        Json json;
        try {
            json = Json.parse(message);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        double id = json.get("id").number();
        if (!Double.isNaN(id)) {
            asked.remove((int) id).complete(json);
            return;
        }
        Json about = json.get("params");
        switch (json.get("method").text()) {
            case "Runtime.exceptionThrown" -> complaints.add("exception: " + message);
            case "Runtime.consoleAPICalled" -> complaints.add("console: " + message);
            case "Log.entryAdded" ->
                    complaints.add(
                            about.get("entry").get("source").text()
                                    + ": "
                                    + about.get("entry").get("text").text()
                                    + " "
                                    + about.get("entry").get("url").text());
            default -> {}
        }
    }

    /// Calls a method of the protocol for the page.
    ///
    /// @param parameters the inside of a JSON object
    public Json call(String method, String parameters) {
        return send(",\"sessionId\":" + quoted(session), method, parameters);
    }

    private Json send(String session, String method, String parameters) {
        int id = ids.incrementAndGet();
        var answer = new CompletableFuture<Json>();
        asked.put(id, answer);
        String message =
                "{\"id\":%d%s,\"method\":%s,\"params\":{%s}}"
                        .formatted(id, session, quoted(method), parameters);
        synchronized (this) { // One message at a time is all that the socket takes.
            socket.sendText(message, true).join();
        }
        try {
            Json json = answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            if (json.get("error").value() != null) throw new AssertionError(method + ": " + json);
            return json.get("result");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } catch (TimeoutException | java.util.concurrent.ExecutionException e) {
            throw new AssertionError(method, e);
        }
    }

    /// Goes to an address, and waits until its document is there.
    public void go(String url) {
        Json went = call("Page.navigate", "\"url\":" + quoted(url));
        assertEquals("", went.get("errorText").text());
        await("the document", "document.readyState === 'complete'");
    }

    /// The value of an expression, as the page would see it.
    public Json eval(String expression) {
        Json result =
                call(
                        "Runtime.evaluate",
                        "\"returnByValue\":true,\"awaitPromise\":true,\"expression\":"
                                + quoted(expression));
        if (result.get("exceptionDetails").value() != null)
            throw new AssertionError(expression + ": " + result);
        return result.get("result").get("value");
    }

    /// Waits until an expression is true.
    public void await(String what, String expression) {
        Awaitility.await(what)
                .atMost(RunningDaemon.PATIENCE)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> eval(expression).isTrue());
    }

    /// @param width in CSS pixels
    public void size(int width, int height) {
        call(
                "Emulation.setDeviceMetricsOverride",
                "\"width\":%d,\"height\":%d,\"deviceScaleFactor\":1,\"mobile\":%b"
                        .formatted(width, height, width < 600));
    }

    /// @param feature a media feature and its value, as in `prefers-color-scheme`, `dark`
    public void prefer(String feature, String value) {
        call(
                "Emulation.setEmulatedMedia",
                "\"features\":[{\"name\":%s,\"value\":%s}]"
                        .formatted(quoted(feature), quoted(value)));
    }

    /// Presses a key and lets it go.
    ///
    /// @param key its name (https://www.w3.org/TR/uievents-key/)
    /// @param text what it types; empty for nothing
    public void press(String key, String text) {
        int code =
                switch (key) {
                    case "Tab" -> 9;
                    case "Enter" -> 13;
                    case " " -> 32;
                    default -> throw new IllegalArgumentException(key);
                };
        String about =
                "\"key\":%s,\"code\":%s,\"windowsVirtualKeyCode\":%d,\"text\":%s"
                        .formatted(
                                quoted(key),
                                quoted(key.equals(" ") ? "Space" : key),
                                code,
                                quoted(text));
        call("Input.dispatchKeyEvent", "\"type\":\"keyDown\"," + about);
        call("Input.dispatchKeyEvent", "\"type\":\"keyUp\"," + about);
    }

    /// A PNG of the whole page.
    public byte[] screenshot() {
        return Base64.getDecoder()
                .decode(
                        call(
                                        "Page.captureScreenshot",
                                        "\"format\":\"png\",\"captureBeyondViewport\":true")
                                .get("data")
                                .text());
    }

    /// What the console complained of so far, and forgets now.
    public List<String> complaints() {
        List<String> all = complaints.stream().toList();
        complaints.removeAll(all);
        return all;
    }

    public static String quoted(String text) {
        return "\"" + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + "\"";
    }

    @Override
    public void close() throws IOException {
        socket.abort();
        client.close();
        end(process, folder);
    }

    private static void end(Process process, Path folder) throws IOException {
        List<ProcessHandle> all =
                Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
        all.forEach(ProcessHandle::destroyForcibly);
        for (ProcessHandle each : all) each.onExit().join();
        try (Stream<Path> left = Files.walk(folder)) {
            for (Path each : left.sorted(Comparator.reverseOrder()).collect(Collectors.toList()))
                Files.deleteIfExists(each);
        }
    }
}
