using System.Buffers;

namespace ActorStreams.Json;

/// <summary>
/// What states are written to, one after the other. It ends a state that grows far beyond its limit while it is written, and gives large
/// memory back.
/// </summary>
internal sealed class StateBuffer(int maxBytes) : IBufferWriter<byte>
{
    private const int UsualBytes = 4 << 10;

    /// <summary>A JSON writer asks for more than it needs.</summary>
    private readonly int _capacity = (2 * maxBytes) + UsualBytes;
    private byte[] _bytes = new byte[UsualBytes];
    private int _written;

    internal ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _written);

    internal void Reset()
    {
        _written = 0;
        if (_bytes.Length > 16 * UsualBytes)
            _bytes = new byte[UsualBytes];
    }

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(_written);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(_written);
    }

    private void Reserve(int size)
    {
        var needed = (long)_written + Math.Max(1, size);
        if (needed <= _bytes.Length)
            return;
        if (needed > _capacity && _written > maxBytes)
            throw new StateOverflowException(_written);
        Array.Resize(ref _bytes, (int)Math.Min(int.MaxValue, Math.Max(needed, 2L * _bytes.Length)));
    }
}

/// <summary>A state has grown beyond all limits while it was written.</summary>
internal sealed class StateOverflowException(int bytes) : Exception($"It has more than {bytes} bytes.");
