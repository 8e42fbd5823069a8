package bascule.cluster.group;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.MulticastSocket;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import org.jgroups.util.SocketFactory;

/// Gives JGroups sockets that lead to other nodes and nowhere else, and the door as the only one to listen on. It may not open anything
/// else.
final class Sockets implements SocketFactory {
    private final Door door;

    Sockets(Door door) {
        this.door = door;
    }

    private static UnsupportedOperationException unwanted(String service) {
        return new UnsupportedOperationException(service);
    }

    @Override
    public Socket createSocket(String service) throws IOException {
        return new TlsSocket(door);
    }

    @Override
    public Socket createSocket(String service, String host, int port) {
        throw unwanted(service);
    }

    @Override
    public Socket createSocket(String service, InetAddress address, int port) {
        throw unwanted(service);
    }

    @Override
    public Socket createSocket(
            String service, String host, int port, InetAddress local, int localPort) {
        throw unwanted(service);
    }

    @Override
    public Socket createSocket(
            String service, InetAddress address, int port, InetAddress local, int localPort) {
        throw unwanted(service);
    }

    @Override
    public ServerSocket createServerSocket(String service) throws IOException {
        return door.facade();
    }

    @Override
    public ServerSocket createServerSocket(String service, int port) throws IOException {
        return door.facade();
    }

    @Override
    public ServerSocket createServerSocket(String service, int port, int backlog)
            throws IOException {
        return door.facade();
    }

    @Override
    public ServerSocket createServerSocket(
            String service, int port, int backlog, InetAddress address) throws IOException {
        return door.facade();
    }

    @Override
    public DatagramSocket createDatagramSocket(String service) {
        throw unwanted(service);
    }

    @Override
    public DatagramSocket createDatagramSocket(String service, SocketAddress address) {
        throw unwanted(service);
    }

    @Override
    public DatagramSocket createDatagramSocket(String service, int port) {
        throw unwanted(service);
    }

    @Override
    public DatagramSocket createDatagramSocket(String service, int port, InetAddress address)
            throws SocketException {
        throw unwanted(service);
    }

    @Override
    public MulticastSocket createMulticastSocket(String service) throws IOException {
        return new MulticastSocket();
    }

    @Override
    public MulticastSocket createMulticastSocket(String service, int port) throws IOException {
        return new MulticastSocket(port);
    }

    @Override
    public MulticastSocket createMulticastSocket(String service, SocketAddress address)
            throws IOException {
        return new MulticastSocket(address);
    }

    @Override
    public void close(Socket socket) throws IOException {
        if (socket != null) socket.close();
    }

    @Override
    public void close(ServerSocket socket) throws IOException {
        if (socket != null) socket.close();
    }

    @Override
    public void close(DatagramSocket socket) {
        if (socket != null) socket.close();
    }
}
