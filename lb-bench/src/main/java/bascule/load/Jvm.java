package bascule.load;

import bascule.harness.Unavailable;
import com.sun.management.ThreadMXBean;
import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.ThreadInfo;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.management.MBeanServerConnection;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/// A running JVM, asked from outside. Asking allocates too, on threads of its own: two idle readings show how much.
final class Jvm implements AutoCloseable {
    private final JMXConnector connector;
    private final ThreadMXBean threads;
    private final MemoryMXBean memory;

    private Jvm(JMXConnector connector) throws IOException {
        this.connector = connector;
        MBeanServerConnection server = connector.getMBeanServerConnection();
        threads =
                ManagementFactory.newPlatformMXBeanProxy(
                        server, ManagementFactory.THREAD_MXBEAN_NAME, ThreadMXBean.class);
        memory =
                ManagementFactory.newPlatformMXBeanProxy(
                        server, ManagementFactory.MEMORY_MXBEAN_NAME, MemoryMXBean.class);
    }

    /// @throws Unavailable if it cannot be attached to, or its runtime lacks the management agent
    @SuppressWarnings("BanJNDI") // The address comes from the process just attached to.
    static Jvm attach(long pid) throws IOException, Unavailable {
        try {
            VirtualMachine machine = VirtualMachine.attach(Long.toString(pid));
            try {
                String address = machine.startLocalManagementAgent();
                return new Jvm(JMXConnectorFactory.connect(new JMXServiceURL(address)));
            } finally {
                machine.detach();
            }
        } catch (AttachNotSupportedException e) {
            throw new Unavailable("process " + pid + " cannot be attached to: " + e.getMessage());
        }
    }

    /// Bytes allocated since the start.
    ///
    /// @param byThread those that live
    /// @param names    of the same
    /// @param total    also of threads that have ended
    record Allocated(Map<Long, Long> byThread, Map<Long, String> names, long total) {
        static final String LOOP_PREFIX = "loop-";

        Delta since(Allocated before) {
            Map<String, Long> grown = new TreeMap<>();
            byThread.forEach(
                    (id, bytes) ->
                            grown.merge(
                                    names.getOrDefault(id, "thread " + id),
                                    bytes - before.byThread.getOrDefault(id, 0L),
                                    Long::sum));
            return new Delta(grown, total - before.total);
        }
    }

    /// @param byName of threads alive at the end; equal names are summed
    /// @param all    of all threads, also those that have ended meanwhile
    record Delta(Map<String, Long> byName, long all) {
        long loops() {
            return byName.entrySet().stream()
                    .filter(each -> each.getKey().startsWith(Allocated.LOOP_PREFIX))
                    .mapToLong(Map.Entry::getValue)
                    .sum();
        }

        boolean hasLoops() {
            return byName.keySet().stream()
                    .anyMatch(name -> name.startsWith(Allocated.LOOP_PREFIX));
        }

        String greatest(int count) {
            List<String> words =
                    byName.entrySet().stream()
                            .sorted(
                                    Map.Entry.<String, Long>comparingByValue(
                                            Comparator.reverseOrder()))
                            .limit(count)
                            .map(each -> "%s %,d".formatted(each.getKey(), each.getValue()))
                            .collect(Collectors.toList());
            long ended = all - byName.values().stream().mapToLong(Long::longValue).sum();
            words.add("ended threads %,d".formatted(ended));
            return String.join(" | ", words);
        }
    }

    Allocated allocated() {
        long[] ids = threads.getAllThreadIds();
        long total = threads.getTotalThreadAllocatedBytes();
        long[] bytes = threads.getThreadAllocatedBytes(ids);
        ThreadInfo[] infos = threads.getThreadInfo(ids);
        Map<Long, Long> byThread = new TreeMap<>();
        Map<Long, String> names = new TreeMap<>();
        for (int i = 0; i < ids.length; i++) {
            if (bytes[i] < 0 || infos[i] == null) continue; // Ended between the calls.
            byThread.put(ids[i], bytes[i]);
            names.put(ids[i], infos[i].getThreadName());
        }
        return new Allocated(byThread, names, total);
    }

    /// What a full collection leaves.
    long liveHeapBytes() {
        memory.gc();
        memory.gc(); // References cleared by the first are gone after the second.
        return memory.getHeapMemoryUsage().getUsed();
    }

    @Override
    public void close() throws IOException {
        connector.close();
    }
}
