namespace ActorStreams.Kafka.Clients;

// The lifecycle:
//
//   Open ──(CloseAsync)──► Closing ──(the last call has returned)──► Destroyed

/// <summary>
/// A client of the native library that outlives every call into it. A call into a client that is being destroyed would read freed
/// memory and end the process.
/// </summary>
internal sealed class NativeClient<T>(T client)
    where T : class, IDisposable
{
    private readonly TaskCompletionSource _destroyed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private bool _isClosing;
    private int _calls;

    /// <summary>Done when the client is destroyed, and no callback comes from it any more.</summary>
    public Task Destroyed => _destroyed.Task;

    /// <summary>Begins a call. False when the client is closing; otherwise <see cref="Exit"/> must follow.</summary>
    public bool TryEnter(out T entered)
    {
        entered = client;
        lock (_gate)
        {
            if (_isClosing)
                return false;
            _calls++;
            return true;
        }
    }

    /// <summary>Ends a call.</summary>
    public void Exit()
    {
        lock (_gate)
        {
            if (--_calls > 0 || !_isClosing)
                return;
        }

        Destroy();
    }

    /// <exception cref="ObjectDisposedException">The client is closing.</exception>
    public TResult Call<TResult>(Func<T, TResult> call)
    {
        KafkaFaults.ThrowIfClosed(!TryEnter(out var entered));
        try
        {
            return call(entered);
        }
        finally
        {
            Exit();
        }
    }

    /// <exception cref="ObjectDisposedException">The client is closing.</exception>
    public async Task<TResult> CallAsync<TResult>(Func<T, Task<TResult>> call)
    {
        KafkaFaults.ThrowIfClosed(!TryEnter(out var entered));
        try
        {
            return await call(entered).ConfigureAwait(false);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Refuses further calls. The client is destroyed once the last of those under way has returned.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_isClosing)
                return;
            _isClosing = true;
            if (_calls > 0)
                return;
        }

        Destroy();
    }

    /// <summary>Closes, and waits for this long at most until the client is destroyed.</summary>
    public Task CloseAsync(TimeSpan most, TimeProvider time)
    {
        Close();
        return WaitAsync();

        async Task WaitAsync() =>
            await Destroyed.WaitAsync(most, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>On a thread of its own: this may be a thread of the client, which its end waits for.</summary>
    private void Destroy() => new Thread(() =>
    {
        client.Dispose();
        _destroyed.SetResult();
    })
    {
        IsBackground = true,
        Name = "Kafka client's end",
    }.Start();
}
