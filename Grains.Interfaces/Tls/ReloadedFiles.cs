namespace ActorStreams.Grains.Tls;

/// <summary>
/// A value read from files that may be replaced while the process runs: certificates, keys. The files are read again at an interval and
/// compared by content, since Kubernetes replaces mounted files by links, whose times do not change. Files that do not match, as in the
/// middle of a replacement, leave the value as it was.
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
    /// <param name="every">How long the contents are cached.</param>
    /// <param name="time">The clock.</param>
    /// <param name="told">Called when the files have changed: with null when they are used now, or with the
    /// reason why they are not.</param>
    /// <exception cref="ArgumentException">
    /// A file cannot be read, or has the wrong contents; the message names it. No message contains what is in a file.
    /// </exception>
    internal ReloadedFiles(
        IReadOnlyList<string> files, Func<IReadOnlyList<string>, T> parse, TimeSpan every, TimeProvider time, Action<string?> told)
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
