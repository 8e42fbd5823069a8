package bascule.cluster.group;

import bascule.cluster.key.ClusterKey;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/// One member that remembers what it was told; [#main] is one in a process of its own, which can be killed or stopped.
final class Member implements Membership.Listener, AutoCloseable {
    record View(Set<Integer> nodes, long nanos) {}

    record Received(int from, byte[] message) {}

    record Told(boolean worse, String event, List<Object> about) {}

    final BlockingQueue<View> views = new LinkedBlockingQueue<>();
    final BlockingQueue<Received> received = new LinkedBlockingQueue<>();
    final BlockingQueue<Told> told = new LinkedBlockingQueue<>();
    final BlockingQueue<String> strangers = new LinkedBlockingQueue<>();
    volatile Set<Integer> now = Set.of();
    final Membership membership;

    Member(Membership.Settings settings) throws IOException {
        membership = Membership.start(settings, this);
    }

    static Membership.Settings settings(
            ClusterKey key, List<InetSocketAddress> nodes, int self, boolean calm) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) names.add("node" + i);
        return new Membership.Settings("one", nodes, names, self, false, calm, key);
    }

    static ClusterKey key(Path file) {
        return ((ClusterKey.Read.Loaded) ClusterKey.read(file)).key();
    }

    static List<InetSocketAddress> freePorts(String address, int many) throws IOException {
        List<ServerSocket> held = new ArrayList<>();
        List<InetSocketAddress> free = new ArrayList<>();
        for (int i = 0; i < many; i++) {
            ServerSocket socket = new ServerSocket(0);
            held.add(socket);
            free.add(new InetSocketAddress(InetAddress.getByName(address), socket.getLocalPort()));
        }
        for (ServerSocket each : held) each.close();
        return free;
    }

    @Override
    public void view(Set<Integer> nodes) {
        now = nodes;
        views.add(new View(nodes, System.nanoTime()));
    }

    @Override
    public void received(int from, byte[] message) {
        received.add(new Received(from, message));
    }

    @Override
    public void stranger(int node, String why) {
        strangers.add(node + ": " + why);
    }

    @Override
    public void told(boolean worse, String event, Object... keyValues) {
        told.add(new Told(worse, event, List.of(keyValues)));
    }

    /// @return when; fails after 20 s
    long awaitView(Integer... nodes) throws InterruptedException {
        Set<Integer> due = Set.of(nodes);
        return await(views, v -> v.nodes.equals(due), 20).nanos;
    }

    Told awaitTold(Predicate<Told> which) throws InterruptedException {
        return await(told, which, 30);
    }

    private <T> T await(BlockingQueue<T> from, Predicate<T> which, int seconds)
            throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        for (long left; (left = end - System.nanoTime()) > 0; ) {
            T next = from.poll(left, TimeUnit.NANOSECONDS);
            if (next != null && which.test(next)) return next;
        }
        throw new AssertionError("not seen; view " + now + ", told " + told);
    }

    @Override
    public void close() {
        membership.close();
    }

    /// @param arguments key file, this node's index, then where each is: `ADDRESS PORT` …
    public static void main(String[] arguments) throws Exception {
        List<InetSocketAddress> nodes = new ArrayList<>();
        for (int i = 2; i < arguments.length; i += 2)
            nodes.add(
                    new InetSocketAddress(
                            InetAddress.getByName(arguments[i]),
                            Integer.parseInt(arguments[i + 1])));
        int self = Integer.parseInt(arguments[1]);
        var member = new Member(settings(key(Path.of(arguments[0])), nodes, self, false));
        Thread.ofPlatform()
                .daemon()
                .start(
                        () -> {
                            try {
                                while (System.in.read() >= 0) {} // Until the test ends.
                            } catch (IOException _) {
                                // As well.
                            }
                            Runtime.getRuntime().halt(0);
                        });
        while (true) {
            View next = member.views.take();
            System.out.println(new TreeSet<>(next.nodes));
        }
    }

    static Process fork(Path key, int self, List<InetSocketAddress> nodes) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-Xmx64m", "-XX:+UseSerialGC", "-cp", classPath()));
        command.addAll(List.of(Member.class.getName(), key.toString(), String.valueOf(self)));
        for (InetSocketAddress each : nodes)
            command.addAll(
                    List.of(each.getAddress().getHostAddress(), String.valueOf(each.getPort())));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    private static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                .replace(File.pathSeparator + File.pathSeparator, File.pathSeparator);
    }

    static void awaitLine(Process process, String line) throws IOException {
        var out =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        for (String each; (each = out.readLine()) != null; ) if (each.equals(line)) return;
        throw new AssertionError("ended before " + line);
    }
}
