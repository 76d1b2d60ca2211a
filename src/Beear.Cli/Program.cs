using Beear.Runtime;
using TorchSharp;

TorchRuntime.Load();
using var x = torch.randn(4, 4);
Console.WriteLine(x.matmul(x).sum().item<float>());
Console.WriteLine(torch.get_num_threads());
