using Beear.Kernels;
using Mono.Cecil;
using Mono.Cecil.Cil;
using TorchSharp;
using static TorchSharp.torch;
using Assembly = System.Reflection.Assembly;

namespace Beear.Tests.Kernels;

/// <summary>
/// No code of ours leaves a TorchSharp scalar to the garbage collector before libtorch has read it; <see cref="Arithmetic"/> says why. Read
/// from the compiled methods. What TorchSharp's optimizers do behind a virtual call is not seen.
/// </summary>
public class KeptScalarsTests
{
    /// <summary>TorchSharp's methods that make a scalar themselves, or call one that does.</summary>
    private static readonly Lazy<HashSet<string>> Makers = new(() => FindMakers(typeof(Scalar).Assembly.Location));

    [Theory, InlineData("Beear"), InlineData("Beear.Lab"), InlineData("Beear.Server"), InlineData("Beear.Cli")]
    public void Every_scalar_is_kept_until_libtorch_has_read_it(string project)
    {
        string[] places = [.. Careless(Assembly.Load(project).Location)];

        if (places.Length > 0) Assert.Fail($"{places.Length} places; Beear.Kernels.Arithmetic helps:\n{string.Join('\n', places)}");
    }

    [Fact]
    public void A_scalar_that_is_not_kept_is_found()
    {
        string[] found = [.. Careless(typeof(Samples).Assembly.Location).Where(place => place.Contains($"{nameof(Samples)}.Bad",
            StringComparison.Ordinal) || place.Contains($"{nameof(Samples)}.Good", StringComparison.Ordinal))];

        Assert.Equal(["BadCall", "BadFactor", "BadLocal", "BadProduct", "BadRange", "BadSquare", "BadSum"],
            found.Select(place => place.Split(": ")[0].Split('.')[^1]).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>"Type.Method: call" of each place that makes a scalar and does not keep it.</summary>
    private static IEnumerable<string> Careless(string path)
    {
        using var module = ModuleDefinition.ReadModule(path);
        foreach (var (method, instruction, called) in Calls(module))
        {
            if (Makes(called) ? IsKept(method, instruction) : !Makers.Value.Contains(called.FullName)) continue;
            string parameters = string.Join(", ", called.Parameters.Select(parameter => parameter.ParameterType.Name));
            string user = Makes(called) && instruction.Next.Operand is MethodReference next ? $" for {next.Name}" : "";
            yield return $"{method.DeclaringType.FullName}.{method.Name}: {called.Name}({parameters}){user}";
        }
    }

    private static HashSet<string> FindMakers(string path)
    {
        using var module = ModuleDefinition.ReadModule(path);
        var calls = Calls(module).Where(call => call.Method.ReturnType.FullName != typeof(Scalar).FullName)
            .Select(call => (By: call.Method.FullName, call.Called)).ToList();
        var callers = calls.ToLookup(call => call.Called.FullName, call => call.By, StringComparer.Ordinal);
        var open = new Queue<string>(calls.Where(call => Makes(call.Called)).Select(call => call.By));
        var makers = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryDequeue(out string? maker))
        {
            if (!makers.Add(maker)) continue;
            foreach (string caller in callers[maker]) open.Enqueue(caller);
        }
        return makers;
    }

    private static IEnumerable<(MethodDefinition Method, Instruction Instruction, MethodReference Called)> Calls(ModuleDefinition module) =>
        from type in module.GetTypes()
        from method in type.Methods
        where method.HasBody
        from instruction in method.Body.Instructions
        where instruction.Operand is MethodReference
        select (method, instruction, (MethodReference)instruction.Operand);

    /// <summary>Whether a method of TorchSharp gives a new scalar.</summary>
    private static bool Makes(MethodReference called) => called.ReturnType.FullName == typeof(Scalar).FullName
        && called.DeclaringType.Scope.Name.StartsWith("TorchSharp", StringComparison.Ordinal);

    /// <summary>Whether a scalar is stored right away: for ever, or where it is disposed later.</summary>
    private static bool IsKept(MethodDefinition method, Instruction made)
    {
        if (made.Next.OpCode.Code == Code.Stsfld) return true;
        return Local(method, made.Next, "stloc") is { } local && method.Body.Instructions.Any(instruction =>
            Local(method, instruction, "ldloc") == local
            && instruction.Next?.Operand is MethodReference { Name: nameof(IDisposable.Dispose) });
    }

    /// <summary>What an instruction of a kind stores in or loads from; null for another instruction.</summary>
    private static VariableDefinition? Local(MethodDefinition method, Instruction instruction, string kind)
    {
        string name = instruction.OpCode.Name;                           // such as stloc.0, stloc.s
        if (!name.StartsWith(kind, StringComparison.Ordinal)) return null;
        return instruction.Operand as VariableDefinition ?? method.Body.Variables[name[^1] - '0'];
    }

    /// <summary>Is read, and never run.</summary>
    private static class Samples
    {
        private static readonly Scalar Kept = 2;

        public static Tensor BadCall(Tensor x, Tensor mask) => x.masked_fill(mask, 0);

        public static Tensor BadFactor(Tensor x, Tensor y) => x.add_(y);

        public static Tensor BadLocal(Tensor x)
        {
            Scalar two = 2;
            return x.mul(two).div(two);
        }

        public static Tensor BadProduct(Tensor x) => 2.0 * x;

        public static Tensor BadRange(long count)
        {
            using Scalar end = count;
            return arange(end);
        }

        public static Tensor BadSquare(Tensor x) => x.square();

        public static Tensor BadSum(Tensor x, Tensor y) => x + y;

        public static Tensor GoodField(Tensor x) => x.mul(Kept);

        public static Tensor GoodLocals(Tensor x, double least, double most)
        {
            using Scalar lower = least, upper = most;
            return x.clamp(lower, upper);
        }

        public static Tensor GoodOperators(Tensor x, Tensor y) => (x - y) * x / y;

        public static Tensor GoodSum(Tensor x, Tensor y) => x.Plus(y).Times(2);
    }
}
