using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ActorStreams.Tests.Tidy;

/// <summary>One name in the product's code that the compiler resolved.</summary>
/// <param name="File">The file that uses it.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Symbol">What it names.</param>
internal readonly record struct Use(string File, int Line, ISymbol Symbol)
{
    /// <summary>The product's file that declares the symbol, or the type it is a member of; null for a symbol of a library.</summary>
    internal string? DeclaredIn =>
        Symbol is INamespaceSymbol ? null : (Symbol.DeclaringSyntaxReferences is [var first, ..] ? first : null)?.SyntaxTree.FilePath;

    /// <inheritdoc/>
    public override string ToString() => $"{File}:{Line}: {Symbol.ToDisplayString(SymbolDisplayFormat.CSharpShortErrorMessageFormat)}";
}

/// <summary>
/// The product's code as the compiler sees it: all projects in one compilation, so that a name leads to its
/// declaration across projects and through
/// <c>internal</c>. What source generators add is missing; names that need it stay unresolved, and there must be few of them.
/// </summary>
internal sealed class ProductCode
{
    // What ImplicitUsings adds, for the web's SDK too, and what Directory.Build.props adds.
    private static readonly string[] GlobalUsings =
    [
        "System", "System.Collections.Generic", "System.Globalization", "System.IO", "System.Linq", "System.Net.Http",
        "System.Net.Http.Json", "System.Threading",
        "System.Threading.Tasks", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Http",
        "Microsoft.AspNetCore.Routing",
        "Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting",
        "Microsoft.Extensions.Logging",
        "Orleans", "Orleans.Hosting", "Orleans.Runtime",
    ];

    // Words that the parser takes for names.
    private static readonly string[] Keywords = ["nameof", "notnull", "unmanaged", "_", "args"];

    private static readonly Lazy<ProductCode> Compiled = new(() => new());

    private ProductCode()
    {
        var options = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.CSharp14);
        var files = Tree.Code.Where(file => Project.Of(file) is { } project && Project.Product.Contains(project));
        var trees = files.Select(file => CSharpSyntaxTree.ParseText(Repository.Read(file), options, file, Encoding.UTF8)).ToList();
        var usings = CSharpSyntaxTree.ParseText(
            string.Concat(GlobalUsings.Select(name => $"global using {name};\n")), options, "", Encoding.UTF8);
        var libraries = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("ActorStreams", StringComparison.OrdinalIgnoreCase))
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            "product", [.. trees, usings], libraries,
            new(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable, concurrentBuild: true));
        var found = trees.AsParallel().Select(tree => Resolve(compilation, tree)).ToList();
        Uses = [.. found.SelectMany(file => file.Uses)];
        Unresolved = [.. found.SelectMany(file => file.Unresolved)];
    }

    internal static ProductCode Instance => Compiled.Value;

    /// <summary>Every name that leads to a type, a member or a constructor.</summary>
    internal IReadOnlyList<Use> Uses { get; }

    /// <summary>Names that the compiler could not resolve.</summary>
    internal IReadOnlyList<string> Unresolved { get; }

    private static (List<Use> Uses, List<string> Unresolved) Resolve(CSharpCompilation compilation, SyntaxTree tree)
    {
        var model = compilation.GetSemanticModel(tree);
        var (uses, unresolved) = (new List<Use>(), new List<string>());
        foreach (var node in tree.GetRoot().DescendantNodes(descendIntoTrivia: false))
        {
            if (node is not (SimpleNameSyntax or BaseObjectCreationExpressionSyntax or ConstructorInitializerSyntax) || IsNoUse(node))
                continue;
            var line = node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
            var info = model.GetSymbolInfo(node);
            if ((info.Symbol ?? info.CandidateSymbols.FirstOrDefault()) is { } symbol)
                uses.Add(new(tree.FilePath, line, symbol.OriginalDefinition));
            else if (node is SimpleNameSyntax name && !name.IsVar && !Keywords.Contains(name.ToString()))
                unresolved.Add($"{tree.FilePath}:{line}: {name}");
        }

        return (uses, unresolved);
    }

    /// <summary>A name in a using or a namespace's own name: no use of what stands there.</summary>
    private static bool IsNoUse(SyntaxNode node) => node.FirstAncestorOrSelf<UsingDirectiveSyntax>() is not null
        || node.Parent is NameColonSyntax or NameEqualsSyntax
        || node.Ancestors().TakeWhile(ancestor => ancestor is NameSyntax or BaseNamespaceDeclarationSyntax)
            .Any(ancestor => ancestor is BaseNamespaceDeclarationSyntax);
}
