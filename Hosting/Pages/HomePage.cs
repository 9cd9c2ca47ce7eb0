namespace ActorStreams.Hosting.Pages;

/// <summary>The page at the root: the datasets as they are now, and where to go from there. One file, no build tools.</summary>
internal static class HomePage
{
    private static readonly Lazy<byte[]> Page = new(() =>
    {
        using var stream = typeof(HomePage).Assembly.GetManifestResourceStream("home.html")!;
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    });

    internal static void MapHomePage(this IEndpointRouteBuilder app) =>
        app.MapGet("/", () => Results.Bytes(Page.Value, "text/html; charset=utf-8")).ExcludeFromDescription();
}
