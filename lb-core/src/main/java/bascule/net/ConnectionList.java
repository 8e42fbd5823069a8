package bascule.net;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Connections of one loop, linked through themselves: last in, first out, removal from anywhere, no allocation. A connection is
/// in one list at most.
public final class ConnectionList {
    private @Nullable Connection head;
    private int size;

    public int size() {
        return size;
    }

    public void push(Connection connection) {
        if (connection.list != null)
            throw new IllegalStateException("in a list already: " + connection);
        connection.list = this;
        connection.listNext = head;
        if (head != null) head.listPrevious = connection;
        head = connection;
        size++;
    }

    /// The connection pushed last, or null.
    public @Nullable Connection pop() {
        Connection first = head;
        if (first != null) remove(first);
        return first;
    }

    /// Takes the connection out.
    ///
    /// @return whether it was in this list
    public boolean remove(Connection connection) {
        if (connection.list != this) return false;
        Connection previous = connection.listPrevious;
        Connection next = connection.listNext;
        if (previous == null) head = next;
        else previous.listNext = next;
        if (next != null) next.listPrevious = previous;
        connection.list = null;
        connection.listPrevious = null;
        connection.listNext = null;
        size--;
        return true;
    }

    public boolean contains(Connection connection) {
        return connection.list == this;
    }

    /// Calls `action` for each; it may remove the connection it is called with.
    public void forEach(Consumer<Connection> action) {
        Connection at = head;
        while (at != null) {
            Connection next = at.listNext;
            action.accept(at);
            at = next;
        }
    }
}
