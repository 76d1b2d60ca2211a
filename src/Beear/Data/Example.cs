namespace Beear.Data;

/// <summary>A request and the answer that training wants for it, as text.</summary>
/// <param name="Request">What the user asks.</param>
/// <param name="Answer">What the model is to answer.</param>
public sealed record Example(string Request, string Answer);
