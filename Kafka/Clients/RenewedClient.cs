using Confluent.Kafka;

namespace ActorStreams.Kafka.Clients;

/// <summary>
/// A client for questions, made anew when the files that settings name have changed, or given the new password. A call under way ends on
/// the client on which it began.
/// </summary>
internal sealed class RenewedClient<T>
    where T : class, IClient
{
    private readonly KafkaClients _clients;
    private readonly Func<ClientSettings, T> _make;
    private readonly Lock _gate = new();
    private NativeClient<T> _client;
    private ClientSettings _settings;
    private bool _isClosed;

    public RenewedClient(KafkaClients clients, Func<ClientSettings, T> make)
    {
        (_clients, _make, _settings) = (clients, make, clients.Settings);
        _client = new(make(_settings));
        clients.Renewed += Renew;
    }

    /// <exception cref="ObjectDisposedException">The client is closing.</exception>
    public TResult Call<TResult>(Func<T, TResult> call)
    {
        var client = Enter(out var entered);
        try
        {
            return call(entered);
        }
        finally
        {
            client.Exit();
        }
    }

    /// <exception cref="ObjectDisposedException">The client is closing.</exception>
    public async Task<TResult> CallAsync<TResult>(Func<T, Task<TResult>> call)
    {
        var client = Enter(out var entered);
        try
        {
            return await call(entered).ConfigureAwait(false);
        }
        finally
        {
            client.Exit();
        }
    }

    /// <summary>Closes, and waits for this long at most until the client is destroyed.</summary>
    public Task CloseAsync(TimeSpan most, TimeProvider time)
    {
        _clients.Renewed -= Renew;
        lock (_gate)
        {
            _isClosed = true;
            return _client.CloseAsync(most, time);
        }
    }

    private NativeClient<T> Enter(out T entered)
    {
        while (true)
        {
            var client = Volatile.Read(ref _client);
            if (client.TryEnter(out entered))
                return client;
            // One that was replaced has its successor already.
            KafkaFaults.ThrowIfClosed(client == Volatile.Read(ref _client));
        }
    }

    private void Renew()
    {
        lock (_gate)
        {
            var settings = _clients.Settings;
            if (_isClosed || settings == _settings)
                return;
            if (settings.TryGive(_settings, _client))
            {
                _settings = settings;
                return;
            }

            var before = _client;
            Volatile.Write(ref _client, new(_make(settings)));
            _settings = settings;
            before.Close();
        }
    }
}
