namespace ActorStreams.Folding;

/// <summary>In which forms an entry has its state.</summary>
[Flags]
internal enum StateForm : byte
{
    None = 0,
    Object = 1,
    Bytes = 2,
}
