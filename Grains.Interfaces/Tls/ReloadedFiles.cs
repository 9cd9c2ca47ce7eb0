namespace ActorStreams.Grains.Tls;

/// <summary>
/// A value out of files that somebody may replace while the process runs: certificates, keys. The files are read again when they were last looked at so long ago, and compared by content: Kubernetes
/// replaces mounted files by links, whose times say nothing. Files that do not fit together, as in the middle of a replacement, leave the value as it was.
/// </summary>
internal sealed class ReloadedFiles<T>
    where T : class
{
    private readonly Lock _gate = new();
    private readonly IReadOnlyList<string> _files;
    private readonly Func<IReadOnlyList<string>, T> _parse;
    private readonly TimeSpan _every;
    private readonly TimeProvider _time;
    private readonly Action<string?> _told;
    private IReadOnlyList<string> _texts;
    private volatile T _value;
    private long _looked;

    /// <param name="files">The files.</param>
    /// <param name="parse">Makes the value of their texts, in the same order.</param>
    /// <param name="every">How long what was read is taken for true.</param>
    /// <param name="time">The clock.</param>
    /// <param name="told">Called when other files came: with null when they are used now, or with why they are not.</param>
    /// <exception cref="ArgumentException">A file cannot be read, or does not hold what it should; the message says which. No message holds what is in a file.</exception>
    internal ReloadedFiles(IReadOnlyList<string> files, Func<IReadOnlyList<string>, T> parse, TimeSpan every, TimeProvider time, Action<string?> told)
    {
        (_files, _parse, _every, _time, _told) = (files, parse, every, time, told);
        _looked = time.GetTimestamp();
        _texts = Read(files);
        _value = parse(_texts);
    }

    /// <summary>The value of the files as they were when they were last looked at.</summary>
    internal T Value
    {
        get
        {
            if (_time.GetElapsedTime(Volatile.Read(ref _looked)) < _every || !_gate.TryEnter())
                return _value;
            try
            {
                Look();
                return _value;
            }
            finally
            {
                _gate.Exit();
            }
        }
    }

    private void Look()
    {
        Volatile.Write(ref _looked, _time.GetTimestamp());
        try
        {
            var texts = Read(_files);
            if (texts.SequenceEqual(_texts))
                return;
            _value = _parse(texts);
            _texts = texts;
            _told(null);
        }
        catch (ArgumentException error)
        {
            _told(error.Message);
        }
    }

    private static string[] Read(IReadOnlyList<string> files)
    {
        try
        {
            return [.. files.Select(File.ReadAllText)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"{error.Message} Give this process a file that it can read.", error);
        }
    }
}
