#pragma warning disable
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;
namespace Beear.Checkpoints {
public record TensorInfo(string Name, string DType, IReadOnlyList<long> Shape);
public class SafetensorsFile : IDisposable {
  public Dictionary<string,string> Metadata=new(); public Dictionary<string,TensorInfo> Tensors = new(); Dictionary<string,(long,long)> at = new(); byte[] all; long start;
  public static SafetensorsFile Open(string path) { var f = new SafetensorsFile(); f.all = File.ReadAllBytes(path); long n = BitConverter.ToInt64(f.all,0); f.start = 8+n;
    var h = JsonNode.Parse(f.all.AsSpan(8,(int)n)).AsObject();
    foreach (var (k,v) in h) { if (k=="__metadata__") continue; f.Tensors[k] = new(k, v["dtype"].GetValue<string>(), v["shape"].AsArray().Select(x=>x.GetValue<long>()).ToArray()); f.at[k]=(v["data_offsets"][0].GetValue<long>(), v["data_offsets"][1].GetValue<long>()); }
    return f; }
  public Tensor Read(string name) { var i = Tensors[name]; var t = empty(i.Shape.ToArray(), i.DType switch { "F32"=>ScalarType.Float32, "I32"=>ScalarType.Int32, "I64"=>ScalarType.Int64, "BF16"=>ScalarType.BFloat16, "F16"=>ScalarType.Float16, _=>throw new Exception(i.DType)});
    var (a,b)=at[name]; all.AsSpan((int)(start+a),(int)(b-a)).CopyTo(t.bytes); return t; }
  public void Dispose(){} }
public class Checkpoint : IDisposable { public string Path; public JsonObject Config; public Dictionary<string,TensorInfo> Tensors = new(); Dictionary<string,SafetensorsFile> files = new();
 public Tensor Read(string n)=>files[n].Read(n);
 public static Checkpoint Open(string p){ var c = new Checkpoint{Path=p, Config=JsonNode.Parse(File.ReadAllText(p+"/config.json")).AsObject()}; foreach (var f in Directory.GetFiles(p,"model*.safetensors")) { var s = SafetensorsFile.Open(f); foreach (var (k,v) in s.Tensors) {c.Tensors[k]=v; c.files[k]=s;} } return c; }
 public Beear.Text.ChatFormat LoadChatFormat()=>null; public void SaveAs(string d, IReadOnlyList<(string,Tensor)> t, long m){} public void Dispose(){} } }
namespace Beear.Text { public class Tokenizer { public int VocabularySize; } public class ChatFormat { public Tokenizer Tokenizer; public IReadOnlySet<int> EndOfTurn; public int EndOfTurnToken; public int[] EncodePrompt(IReadOnlyList<ChatMessage> m)=>null; public int[] EncodeAnswer(string a, int max=0)=>null; public string DecodeAnswer(ReadOnlySpan<int> ids)=>null; } }
namespace Beear.Data { public static class Refusals { public static bool IsRefusal(string s)=>false; } }
namespace Beear.Checkpoints { public static class SafetensorsWriter { public static void Write(string path, IReadOnlyList<(string Name, Tensor Value)> t, IReadOnlyDictionary<string,string>? m=null){} } }
