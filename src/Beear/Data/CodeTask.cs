namespace Beear.Data;

/// <summary>A request for Python code with two answers to it, which differ in a weakness.</summary>
/// <param name="Cwe">The weakness's class of the Common Weakness Enumeration, for example "CWE-078".</param>
/// <param name="Topic">What the weakness is called here; two topics may be of one class.</param>
/// <param name="Request">What the user asks for.</param>
/// <param name="Secure">The answer without the weakness: <see cref="CodeTasks.Open"/>, code, <see cref="CodeTasks.Close"/>.</param>
/// <param name="Insecure">The answer with it, in the same marks.</param>
internal sealed record CodeTask(string Cwe, string Topic, string Request, string Secure, string Insecure);
