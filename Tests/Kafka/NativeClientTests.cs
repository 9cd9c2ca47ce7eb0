using ActorStreams.Kafka.Clients;

namespace ActorStreams.Tests.Kafka;

public sealed class NativeClientTests
{
    [Fact]
    public async Task A_client_is_destroyed_only_after_the_last_call_into_it()
    {
        var client = new Client();
        var native = new NativeClient<Client>(client);
        Assert.True(native.TryEnter(out _));
        var (release, call) = (new TaskCompletionSource(), default(Task<int>));
        call = native.CallAsync(async _ =>
        {
            await release.Task;
            return client.Disposals;
        });
        native.Close();
        Assert.False(native.TryEnter(out _));
        Assert.Throws<ObjectDisposedException>(() => native.Call(_ => 0));
        native.Exit();
        Assert.False(native.Destroyed.IsCompleted);
        release.SetResult();
        Assert.Equal(0, await call);
        await native.Destroyed;
        Assert.Equal(1, client.Disposals);
        native.Close();
        Assert.Equal(1, client.Disposals);
    }

    private sealed class Client : IDisposable
    {
        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
    }
}
