using System.Runtime.CompilerServices;
using System.Text;
using ActorStreams.Definitions;
using ActorStreams.Grains.Reads;

namespace ActorStreams.Grains.Actors;

/// <summary>
/// What the actors of entities and of derived keys have in common. They read their partition's table directly where it is on this silo.
/// </summary>
internal abstract class StateGrain(DatasetReads reads, EmptyActors empty) : Grain, IStateGrain
{
    private (Dataset Dataset, string Key)? _address;
    private bool _isEmpty;
    private int _watches;

    private protected Dataset Dataset => reads.Served(Address.Dataset);

    private protected string Key => Address.Key;

    private protected abstract DatasetKind Kind { get; }

    private (Dataset Dataset, string Key) Address => _address ??= reads.Parse(this.GetPrimaryKeyString(), Kind);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        Seen(isEmpty: true);
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Seen(isEmpty: false);
        return Task.CompletedTask;
    }

    public async Task<StateReply> Get(ReadRequest request, CancellationToken cancellationToken)
    {
        // The partition has moved. This call goes there by another; the next ones find an actor beside it.
        if (!reads.IsHere(Dataset, Key))
            DeactivateOnIdle();
        if (request.Positions.Select(position => reads.FaultOf(Dataset, position)).FirstOrDefault(error => error is not null) is { } fault)
            throw new RequestRefusedException(400, "Bad position", fault);
        var reply = await Refusals.OrRefuseAsync(reads.ReadAsync(Dataset, Key, request, cancellationToken));
        Seen(reply.State is null);
        EndIfTooMany();
        return reply;
    }

    public IAsyncEnumerable<WatchReply> Watch(WatchRequest request, CancellationToken cancellationToken)
    {
        if (reads.FaultOf(Dataset, Key, request) is { } fault)
            throw new RequestRefusedException(400, "Bad position", fault);
        return CountAsync(reads.Watch(Dataset, Key, request, cancellationToken), cancellationToken);
    }

    public async Task<StateText> GetState()
    {
        var reply = await Get(new(), CancellationToken.None);
        return new(Key, reply.State is null
            ? null
            : Encoding.UTF8.GetString(reply.State), reply.Position.ToPosition().ToString(), reply.BehindRecords);
    }

    private async IAsyncEnumerable<WatchReply> CountAsync(
        IAsyncEnumerable<WatchReply> watch, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _watches++;
        try
        {
            await foreach (var reply in watch.WithCancellation(cancellationToken))
            {
                Seen((reply.State?.State ?? reply.Change?.After) is null);
                yield return reply;
            }
        }
        finally
        {
            _watches--;
            EndIfTooMany();
        }
    }

    private void Seen(bool isEmpty)
    {
        if (isEmpty == _isEmpty)
            return;
        _isEmpty = isEmpty;
        empty.Add(isEmpty ? 1 : -1);
    }

    private void EndIfTooMany()
    {
        if (_isEmpty && _watches == 0 && empty.IsTooMany)
            DeactivateOnIdle();
    }
}
